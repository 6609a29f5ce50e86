//! Hugging Face folders: `config.json` and `model.safetensors`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::store::burn_pack::Tensor as StoredTensor;
use burn::store::{
    BurnToPyTorchAdapter, FloatCastAdapter, ModuleAdapter, ModuleSnapshot, ModuleStore,
    PyTorchToBurnAdapter, SafetensorsStore,
};
use burn::tensor::{DType, Device};
use serde_json::{Map, Value};

use crate::config::CausalLmConfig;
use crate::error::CausalLmError;
use crate::model::CausalLm;

const CONFIG_FILE: &str = "config.json";
const WEIGHTS_FILE: &str = "model.safetensors";
const INDEX_FILE: &str = "model.safetensors.index.json";

impl CausalLmConfig {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// [`CausalLmError::Io`], [`CausalLmError::Json`], or [`CausalLmError::ConfigFile`] around what
    /// is wrong with a key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CausalLmError> {
        let path = path.as_ref();
        let map: Map<String, Value> = read_json(path)?;
        Self::try_from(map).map_err(|source| CausalLmError::ConfigFile {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }
}

impl CausalLm {
    /// Reads a Hugging Face folder: `config.json` and `model.safetensors`, or the shards that
    /// `model.safetensors.index.json` lists. Weights in f16 or bf16 become f32.
    ///
    /// Every tensor of the model must be there, with its shape, and no other; two harmless ones are
    /// passed over: `rotary_emb.inv_freq` of old Llama files, and `lm_head.weight` where the config
    /// ties the head to the embedding.
    ///
    /// # Errors
    /// [`CausalLmError::MissingTensors`], [`CausalLmError::ExtraTensors`] or
    /// [`CausalLmError::TensorShape`], naming the tensors; errors of the config and the files.
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, CausalLmError> {
        let dir = dir.as_ref();
        let config = CausalLmConfig::from_file(dir.join(CONFIG_FILE))?;
        let mut model = config.blank(device)?;
        let weights = Weights::open(dir)?.only_known(&config);
        weights.check(&model)?;
        let adapter = PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32));
        let tensors = weights.tensors.into_values().collect();
        let result = model.apply(tensors, None, Some(Box::new(adapter)), false);
        match result.errors.first() {
            Some(error) => Err(damaged(&weights.path, error)),
            None => Ok(model),
        }
    }

    /// Writes `config.json` and `model.safetensors` (f32), which `transformers` opens. The folder
    /// is made if missing; each file appears whole or not at all.
    ///
    /// # Errors
    /// [`CausalLmError::Io`] or [`CausalLmError::Checkpoint`].
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), CausalLmError> {
        let dir = dir.as_ref();
        fs::create_dir_all(dir).map_err(CausalLmError::io(dir, "create folder"))?;
        let path = dir.join(WEIGHTS_FILE);
        let mut store = SafetensorsStore::from_file(&path)
            .overwrite(true)
            .clear_metadata()
            .metadata("format", "pt")
            .with_to_adapter(BurnToPyTorchAdapter);
        self.save_into(&mut store).map_err(|e| damaged(&path, e))?;
        let map = Map::from(self.config.clone());
        let json = serde_json::to_vec_pretty(&map)
            .expect("a JSON object can be written: a bug in causal-lm");
        write(&dir.join(CONFIG_FILE), &json)
    }
}

/// The tensors of a folder, not read yet.
struct Weights {
    /// The file that messages name: the one with the weights, or the index of the shards.
    path: PathBuf,
    tensors: BTreeMap<String, StoredTensor>,
}

impl Weights {
    fn open(dir: &Path) -> Result<Self, CausalLmError> {
        let (whole, index) = (dir.join(WEIGHTS_FILE), dir.join(INDEX_FILE));
        if whole.is_file() || !index.is_file() {
            let tensors = stored_tensors(&whole)?;
            return Ok(Self {
                path: whole,
                tensors,
            });
        }
        let json: Map<String, Value> = read_json(&index)?;
        let shards = json.get("weight_map").and_then(Value::as_object);
        let shards = shards.ok_or_else(|| damaged(&index, "no object `weight_map`"))?;
        let files: Option<BTreeSet<&str>> = shards.values().map(Value::as_str).collect();
        let files = files.ok_or_else(|| damaged(&index, "`weight_map` holds no file names"))?;
        let mut tensors = BTreeMap::new();
        for file in files {
            tensors.append(&mut stored_tensors(&dir.join(file))?);
        }
        Ok(Self {
            path: index,
            tensors,
        })
    }

    /// Leaves out what some files hold and no model needs.
    fn only_known(mut self, config: &CausalLmConfig) -> Self {
        self.tensors.retain(|name, _| {
            !(name.ends_with("rotary_emb.inv_freq")
                || (config.tie_word_embeddings && name == "lm_head.weight"))
        });
        self
    }

    /// Compares names and shapes with the model's.
    fn check(&self, model: &CausalLm) -> Result<(), CausalLmError> {
        let wanted = model.collect(None, Some(Box::new(BurnToPyTorchAdapter)), false);
        let wanted: BTreeMap<&str, &StoredTensor> = wanted
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor))
            .collect();
        let absent = wanted
            .keys()
            .filter(|name| !self.tensors.contains_key(**name));
        let names: Vec<String> = absent.map(|name| (*name).to_owned()).collect();
        let path = self.path.clone();
        if !names.is_empty() {
            return Err(CausalLmError::MissingTensors { path, names });
        }
        let unknown = self
            .tensors
            .keys()
            .filter(|name| !wanted.contains_key(name.as_str()));
        let names: Vec<String> = unknown.cloned().collect();
        if !names.is_empty() {
            return Err(CausalLmError::ExtraTensors { path, names });
        }
        for (name, tensor) in &self.tensors {
            let (found, expected) = (tensor.shape.to_vec(), wanted[name.as_str()].shape.to_vec());
            if found != expected {
                return Err(CausalLmError::TensorShape {
                    path,
                    name: name.clone(),
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }
}

fn stored_tensors(path: &Path) -> Result<BTreeMap<String, StoredTensor>, CausalLmError> {
    fs::metadata(path).map_err(CausalLmError::io(path, "open"))?;
    let mut store = SafetensorsStore::from_file(path);
    let tensors = store.get_all_tensors().map_err(|e| damaged(path, e))?;
    Ok(tensors.clone())
}

fn damaged(path: &Path, reason: impl ToString) -> CausalLmError {
    CausalLmError::Checkpoint {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

pub(crate) fn read_json(path: &Path) -> Result<Map<String, Value>, CausalLmError> {
    let text = fs::read(path).map_err(CausalLmError::io(path, "open"))?;
    serde_json::from_slice(&text).map_err(|error| CausalLmError::Json {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

/// Writes a file beside its place and renames it.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<(), CausalLmError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    {
        // Ordinary permissions (the umask applies): temporary files are private by default.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let io = || CausalLmError::io(path, "write");
    let mut file = builder.tempfile_in(folder).map_err(io())?;
    file.write_all(contents).map_err(io())?;
    file.as_file().sync_all().map_err(io())?;
    file.persist(path).map_err(|error| io()(error.error))?;
    Ok(())
}
