//! Hugging Face folders: `config.json` and the weights.

use std::path::Path;

use burn::tensor::Device;
use hf_folder::{
    CONFIG_FILE, FolderWriter, SaveOptions, Weights, load_module, module_tensors, read_json,
};
use serde_json::{Map, Value};

use crate::config::CausalLmConfig;
use crate::error::CausalLmError;
use crate::model::CausalLm;
use crate::tensor_names::{expected, is_known};

impl CausalLmConfig {
    /// Reads the `config.json` of a folder.
    ///
    /// # Errors
    /// As [`CausalLmConfig::from_file`].
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self, CausalLmError> {
        Self::from_file(dir.as_ref().join(CONFIG_FILE))
    }

    /// Reads a `config.json`.
    ///
    /// # Errors
    /// [`CausalLmError::Folder`] if it cannot be read, or [`CausalLmError::ConfigFile`] around what is
    /// wrong with a key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CausalLmError> {
        let path = path.as_ref();
        let map: Map<String, Value> = read_json(path)?;
        Self::try_from(map).map_err(|error| error.in_file(path))
    }
}

impl CausalLm {
    /// Reads a Hugging Face folder: `config.json` and `model.safetensors`, or the shards that
    /// `model.safetensors.index.json` lists. Weights in f16, bf16 or f64 become f32.
    ///
    /// Every tensor of the model must be there, with its shape, and no other; two harmless ones are
    /// passed over: `rotary_emb.inv_freq` of old Llama files, and `lm_head.weight` where the config
    /// ties the head to the embedding. Names and shapes are compared before memory for the model is
    /// asked for, and one tensor is read at a time.
    ///
    /// # Errors
    /// [`CausalLmError::Folder`], naming the file and the tensors that are missing, unexpected,
    /// misshapen or of another type; [`CausalLmError::ConfigFile`].
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use causal_lm::{CausalLm, CausalLmConfig};
    /// # let parent = tempfile::tempdir()?;
    /// # let dir = parent.path().join("model");
    /// let device = Device::default();
    /// let config = CausalLmConfig { vocab_size: 50, num_hidden_layers: 1, ..Default::default() };
    /// config.init(7, &device)?.save_dir(&dir)?;
    /// let model = CausalLm::from_dir(&dir, &device)?;
    /// assert_eq!(model.config().vocab_size, 50);
    /// // A config that promises more than the file holds:
    /// let text = std::fs::read_to_string(dir.join("config.json"))?;
    /// let text = text.replace("\"vocab_size\": 50", "\"vocab_size\": 1099511627776");
    /// std::fs::write(dir.join("config.json"), text)?;
    /// let error = CausalLm::from_dir(&dir, &device).unwrap_err().to_string();
    /// assert!(error.contains("embed_tokens.weight has shape [50, 128], expected [1099511627776, 128]"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, CausalLmError> {
        let dir = dir.as_ref();
        let config = CausalLmConfig::from_dir(dir)?;
        let known = |name: &str| is_known(name, &config).then(|| name.to_owned());
        let weights = Weights::open(dir, known)?;
        // A list of the names that a config promises is memory too.
        if config.num_hidden_layers > weights.len() {
            let allowed = format!(
                "at most {}, the tensors of {}",
                weights.len(),
                weights.path().display()
            );
            let layers = config.num_hidden_layers;
            let error = CausalLmError::invalid("num_hidden_layers", layers, allowed);
            return Err(error.in_file(&dir.join(CONFIG_FILE)));
        }
        weights.check(expected(&config), str::to_owned)?;
        let mut model = config.blank(device);
        load_module(&mut model, weights, str::to_owned)?;
        Ok(model)
    }

    /// Writes `config.json` and `model.safetensors` (f32), which `transformers` opens: the whole folder
    /// or nothing. A model folder of that name is replaced; the tokenizer's files and
    /// `generation_config.json` in it stay.
    ///
    /// # Errors
    /// [`CausalLmError::Folder`] if the folder cannot be written, or holds anything that is not part of
    /// a model folder.
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), CausalLmError> {
        self.save_dir_with(dir, &SaveOptions::default())
    }

    /// [`CausalLm::save_dir`] in shards or in half precision.
    ///
    /// # Errors
    /// As [`CausalLm::save_dir`], and if a weight is too large for f16.
    pub fn save_dir_with(
        &self,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<(), CausalLmError> {
        let folder = FolderWriter::create(dir, &[])?;
        folder.keep_companions()?;
        self.write_into(&folder, options)?;
        Ok(folder.commit()?)
    }

    /// Writes `config.json` and the weights into a folder that is going to hold more: a tokenizer
    /// ([`LmTokenizer::write_into`](crate::LmTokenizer::write_into)), files of one's own.
    ///
    /// # Errors
    /// As [`CausalLm::save_dir_with`].
    pub fn write_into(
        &self,
        folder: &FolderWriter,
        options: &SaveOptions,
    ) -> Result<(), CausalLmError> {
        folder.write_weights(&module_tensors(self, str::to_owned), options)?;
        let config = self.config.to_json(options.weight_type);
        Ok(folder.write_text(CONFIG_FILE, &config)?)
    }
}
