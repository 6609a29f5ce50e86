//! Generation: greedy or sampled, in batches, with a KV cache.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::batch::{LmBatch, int_tensor};
use crate::error::CausalLmError;
use crate::kv_cache::KvCache;
use crate::model::{CausalLm, Tokens};
use crate::prefill::{LeftPadding, Prefilled, last};
use crate::sampling::GenerationConfig;

impl CausalLm {
    /// Continues each prompt: the new tokens only, with the token that ended the reply if one did
    /// ([`CausalLmConfig::eos_token_id`](crate::CausalLmConfig::eos_token_id)).
    ///
    /// With `num_return_sequences` = `n` the output holds `n` replies to the first prompt, then `n`
    /// to the second, and so on. The draws for a prompt depend on the seed and the prompt's index.
    /// A model on an autodiff device generates without a graph.
    ///
    /// # Errors
    /// [`CausalLmError::InvalidConfig`], [`CausalLmError::EmptyRow`], [`CausalLmError::TokenId`] or
    /// [`CausalLmError::TooLong`]; `row` is the prompt's index.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use causal_lm::{CausalLmConfig, GenerationConfig};
    ///
    /// let config = CausalLmConfig { vocab_size: 50, num_hidden_layers: 1, ..Default::default() };
    /// let model = config.init(/* seed */ 7, &Device::default())?;
    /// let sampled = GenerationConfig { max_new_tokens: 4, do_sample: true, num_return_sequences: 2,
    ///     ..Default::default() };
    /// let prompts = [vec![3, 4, 5], vec![7]];
    /// let replies = model.generate(&prompts, &sampled)?;
    /// assert_eq!(replies.len(), 4); // two to the first prompt, then two to the second
    /// assert!(replies.iter().flatten().all(|&token| token < 50));
    /// assert_eq!(model.generate(&prompts, &sampled)?, replies); // the same seed
    /// let error = model.generate(&[vec![50]], &sampled).unwrap_err();
    /// assert_eq!(error.to_string(), "row 0: token id 50 is outside the vocabulary of 50");
    /// # Ok::<(), causal_lm::CausalLmError>(())
    /// ```
    pub fn generate(
        &self,
        prompts: &[Vec<u32>],
        config: &GenerationConfig,
    ) -> Result<Vec<Vec<u32>>, CausalLmError> {
        let seed = |index: u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
            rng.set_stream(index);
            rng.next_u64()
        };
        let seeds: Vec<u64> = (0..prompts.len() as u64).map(seed).collect();
        self.generate_seeded(prompts, &seeds, config)
    }

    /// [`generate`](Self::generate) with a seed for each prompt, so that the draws for a prompt do
    /// not depend on its place; `config.seed` is not used.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), and [`CausalLmError::LengthMismatch`] if there are not as
    /// many seeds as prompts.
    pub fn generate_seeded(
        &self,
        prompts: &[Vec<u32>],
        seeds: &[u64],
        config: &GenerationConfig,
    ) -> Result<Vec<Vec<u32>>, CausalLmError> {
        config.validate()?;
        if seeds.len() != prompts.len() {
            return Err(CausalLmError::LengthMismatch {
                row: 0,
                field: "seeds",
                found: seeds.len(),
                expected: prompts.len(),
            });
        }
        self.check_prompts(prompts, |_| config.max_new_tokens)?;
        let n = config.num_return_sequences;
        let mut replies = vec![Vec::new(); prompts.len() * n];
        let model = self.without_graph();
        for group in by_length(prompts, (config.batch_size / n).max(1)) {
            for row in Generation::new(&model, config, prompts, seeds, &group)?.run()? {
                replies[row.index] = row.reply;
            }
        }
        Ok(replies)
    }

    /// Refuses prompts that are empty, outside the vocabulary or, with the tokens to come, longer
    /// than the context.
    pub(crate) fn check_prompts(
        &self,
        prompts: &[Vec<u32>],
        new_tokens: impl Fn(usize) -> usize,
    ) -> Result<(), CausalLmError> {
        let (vocab_size, context) = (self.config.vocab_size, self.config.max_position_embeddings);
        for (row, prompt) in prompts.iter().enumerate() {
            if prompt.is_empty() {
                return Err(CausalLmError::EmptyRow { row });
            }
            if let Some(&id) = prompt.iter().find(|&&id| id as usize >= vocab_size) {
                return Err(CausalLmError::TokenId {
                    row,
                    id,
                    vocab_size,
                });
            }
            let tokens = prompt.len().saturating_add(new_tokens(row));
            if tokens > context {
                return Err(CausalLmError::TooLong {
                    row,
                    tokens,
                    max_position_embeddings: context,
                });
            }
        }
        Ok(())
    }

    /// The model on the plain device.
    pub(crate) fn without_graph(&self) -> Self {
        if self.device().is_autodiff() {
            self.valid()
        } else {
            self.clone()
        }
    }
}

/// The prompts' indices in groups of at most `size`, shortest first, so that little is padded.
pub(crate) fn by_length(prompts: &[Vec<u32>], size: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&index| prompts[index].len());
    order.chunks(size).map(<[usize]>::to_vec).collect()
}

/// One reply on its way.
#[derive(Debug)]
struct Row {
    /// Its place in the output.
    index: usize,
    /// Tokens of the prompt.
    prompt: Vec<u32>,
    reply: Vec<u32>,
    rng: ChaCha8Rng,
}

/// Prompts that are continued together.
struct Generation<'a> {
    model: &'a CausalLm,
    config: &'a GenerationConfig,
    device: Device,
    active: Vec<Row>,
    finished: Vec<Row>,
    cache: Option<Cache>,
}

struct Cache {
    keys_and_values: KvCache,
    padding: LeftPadding,
}

impl<'a> Generation<'a> {
    fn new(
        model: &'a CausalLm,
        config: &'a GenerationConfig,
        prompts: &[Vec<u32>],
        seeds: &[u64],
        group: &[usize],
    ) -> Result<Self, CausalLmError> {
        let n = config.num_return_sequences;
        let replies = group
            .iter()
            .flat_map(|&prompt| (0..n).map(move |reply| (prompt, reply)));
        let row = |(prompt, reply): (usize, usize)| {
            let mut rng = ChaCha8Rng::seed_from_u64(seeds[prompt]);
            rng.set_stream(reply as u64);
            Row {
                index: prompt * n + reply,
                prompt: prompts[prompt].clone(),
                reply: Vec::new(),
                rng,
            }
        };
        Ok(Self {
            model,
            config,
            device: model.device(),
            active: replies.map(row).collect(),
            finished: Vec::new(),
            cache: None,
        })
    }

    fn run(mut self) -> Result<Vec<Row>, CausalLmError> {
        let mut logits = if self.config.use_cache {
            self.prefill()?
        } else {
            self.recompute()?
        };
        for step in 1..=self.config.max_new_tokens {
            self.choose(logits);
            if self.active.is_empty() || step == self.config.max_new_tokens {
                break;
            }
            logits = if self.config.use_cache {
                self.step()
            } else {
                self.recompute()?
            };
        }
        self.finished.append(&mut self.active);
        Ok(self.finished)
    }

    /// Takes the next token of each row; rows that ended leave.
    ///
    /// # Shapes
    /// - `logits`: `[b, v]`
    fn choose(&mut self, logits: Vec<f32>) {
        let vocab_size = self.model.config.vocab_size;
        let mut stay = Vec::with_capacity(self.active.len());
        let mut ended = vec![false; self.active.len()];
        for (place, row) in self.active.iter_mut().enumerate() {
            let logits = &logits[place * vocab_size..(place + 1) * vocab_size];
            let token = self.config.pick(logits, &mut row.rng);
            row.reply.push(token);
            ended[place] = self.model.config.eos_token_id.contains(&token);
            if !ended[place] {
                stay.push(place as u32);
            }
        }
        if stay.len() == self.active.len() {
            return;
        }
        for (row, ended) in std::mem::take(&mut self.active).into_iter().zip(ended) {
            match ended {
                true => self.finished.push(row),
                false => self.active.push(row),
            }
        }
        if let Some(cache) = &mut self.cache
            && !stay.is_empty()
        {
            cache.select(stay, &self.device);
        }
    }

    /// Runs the prompts once, whatever the number of replies, and fills the cache.
    fn prefill(&mut self) -> Result<Vec<f32>, CausalLmError> {
        let n = self.config.num_return_sequences;
        let prompts: Vec<Vec<u32>> = self
            .active
            .iter()
            .step_by(n)
            .map(|row| row.prompt.clone())
            .collect();
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
        let capacity = longest + self.config.max_new_tokens;
        let prefilled = Prefilled::new(self.model, &prompts, capacity)?;
        let mut cache = Cache {
            keys_and_values: prefilled.cache,
            padding: prefilled.padding,
        };
        let mut logits = prefilled.logits; // [prompts, v]
        if n > 1 {
            let rows = 0..prompts.len() as u32;
            let rows: Vec<u32> = rows.flat_map(|row| std::iter::repeat_n(row, n)).collect();
            let count = rows.len();
            logits = logits.select(0, int_tensor(rows.clone(), [count], &self.device)); // [b, v]
            cache.select(rows, &self.device);
        }
        self.cache = Some(cache);
        Ok(to_host(logits))
    }

    /// Runs the latest token of each row.
    fn step(&mut self) -> Vec<f32> {
        let cache = self.cache.as_mut();
        let cache = cache.expect("the prompts were run before: a bug in causal-lm");
        let b = self.active.len();
        let latest = |row: &Row| row.reply.last().copied().unwrap_or_default();
        let position = |row: &Row| (row.prompt.len() + row.reply.len() - 1) as u32;
        let ids = self.active.iter().map(latest).collect();
        let positions = self.active.iter().map(position).collect();
        let s = cache.keys_and_values.len() + 1;
        let tokens = Tokens {
            ids: int_tensor(ids, [b, 1], &self.device),
            positions: int_tensor(positions, [b, 1], &self.device),
            masked: cache.padding.masked(s),
        };
        let hidden = self.model.decode(tokens, Some(&mut cache.keys_and_values)); // [b, 1, h]
        to_host(self.model.logits(hidden.squeeze_dim::<2>(1)))
    }

    /// Runs everything from the start.
    fn recompute(&self) -> Result<Vec<f32>, CausalLmError> {
        let text = |row: &Row| [row.prompt.as_slice(), &row.reply].concat();
        let texts: Vec<Vec<u32>> = self.active.iter().map(text).collect();
        let batch = LmBatch::left_padded(&texts, 0, &self.device)?;
        let hidden = self.model.hidden_states(&batch); // [b, t, h]
        Ok(to_host(self.model.logits(last(hidden))))
    }
}

impl Cache {
    fn select(&mut self, rows: Vec<u32>, device: &Device) {
        let count = rows.len();
        self.padding = self.padding.select(&rows, device);
        self.keys_and_values
            .select(&int_tensor(rows, [count], device));
    }
}

fn to_host(logits: Tensor<2>) -> Vec<f32> {
    logits
        .try_into_vec_as::<f32>()
        .expect("logits are floats: a bug in causal-lm, or a lost device")
}
