//! How probable given continuations of a prompt are.

use burn::tensor::Tensor;

use crate::attention_pattern::{broadcast, later};
use crate::batch::int_tensor;
use crate::error::CausalLmError;
use crate::generate::by_length;
use crate::log_probs::picked;
use crate::model::{CausalLm, Tokens};
use crate::prefill::Prefilled;

impl CausalLm {
    /// `log p(continuation | prompt)`, in nats, summed over the continuation's tokens: one number
    /// for each continuation of each prompt.
    ///
    /// A prompt is run once, whatever the number of its continuations; at most `batch_size`
    /// continuations are run at the same time. A model on an autodiff device scores without a
    /// graph.
    ///
    /// # Errors
    /// [`CausalLmError::LengthMismatch`] if there is not one list for each prompt;
    /// [`CausalLmError::EmptyRow`], [`CausalLmError::TokenId`] or [`CausalLmError::TooLong`], where
    /// `row` is the prompt's index.
    pub fn continuation_log_probs(
        &self,
        prompts: &[Vec<u32>],
        continuations: &[Vec<Vec<u32>>],
        batch_size: usize,
    ) -> Result<Vec<Vec<f64>>, CausalLmError> {
        if continuations.len() != prompts.len() {
            return Err(CausalLmError::LengthMismatch {
                row: 0,
                field: "continuations",
                found: continuations.len(),
                expected: prompts.len(),
            });
        }
        let longest = |row: usize| continuations[row].iter().map(Vec::len).max().unwrap_or(0);
        self.check_prompts(prompts, longest)?;
        for (row, all) in continuations.iter().enumerate() {
            self.check_prompts(all, |_| 0)
                .map_err(|error| in_row(error, row))?;
        }
        let most = continuations.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let model = self.without_graph();
        let mut scores = vec![Vec::new(); prompts.len()];
        for group in by_length(prompts, (batch_size / most).max(1)) {
            let texts: Vec<Vec<u32>> = group.iter().map(|&row| prompts[row].clone()).collect();
            let group_continuations: Vec<&[Vec<u32>]> = group
                .iter()
                .map(|&row| continuations[row].as_slice())
                .collect();
            let group_scores = score(&model, &texts, &group_continuations)?;
            for (row, score) in group.into_iter().zip(group_scores) {
                scores[row] = score;
            }
        }
        Ok(scores)
    }
}

/// The same error, about another row.
fn in_row(error: CausalLmError, row: usize) -> CausalLmError {
    match error {
        CausalLmError::EmptyRow { .. } => CausalLmError::EmptyRow { row },
        CausalLmError::TokenId { id, vocab_size, .. } => CausalLmError::TokenId {
            row,
            id,
            vocab_size,
        },
        other => other,
    }
}

fn score(
    model: &CausalLm,
    prompts: &[Vec<u32>],
    continuations: &[&[Vec<u32>]],
) -> Result<Vec<Vec<f64>>, CausalLmError> {
    let device = model.device();
    // All continuations in one list, with their prompts.
    let all = continuations.iter().enumerate();
    let all: Vec<(u32, &Vec<u32>)> = all
        .flat_map(|(prompt, texts)| texts.iter().map(move |text| (prompt as u32, text)))
        .collect();
    if all.is_empty() {
        return Ok(vec![Vec::new(); prompts.len()]);
    }
    let n = all.len();
    let c = all.iter().map(|(_, text)| text.len()).max().unwrap_or(1);
    let t = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let Prefilled {
        mut cache,
        padding,
        logits,
    } = Prefilled::new(model, prompts, t + c - 1)?;
    let owners: Vec<u32> = all.iter().map(|(prompt, _)| *prompt).collect();
    let padding = padding.select(&owners, &device);
    let owners = int_tensor(owners, [n], &device);
    // The first token of each continuation, from the prompt's last state.
    let first = all.iter().map(|(_, text)| text[0]).collect();
    let first = int_tensor(first, [n], &device);
    let mut log_probs = vec![0.0_f64; n];
    add(
        &mut log_probs,
        0..n,
        picked(logits.select(0, owners.clone()), first),
    );
    if c > 1 {
        // The others, from the tokens before them; short ones are filled up on the right.
        cache.select(&owners);
        let masked = later(c - 1, t + c - 1, &device); // [1, 1, c-1, s]
        let masked = match padding.masked(t + c - 1) {
            Some(padding) => broadcast(masked, padding, Tensor::bool_or),
            None => masked,
        };
        let cell = |text: &[u32], i: usize| text.get(i).copied().unwrap_or(0);
        let ids = all
            .iter()
            .flat_map(|(_, text)| (0..c - 1).map(|i| cell(text, i)));
        let start = |prompt: u32| prompts[prompt as usize].len();
        let positions = all.iter().flat_map(|(prompt, _)| {
            let start = start(*prompt);
            (0..c - 1).map(move |i| (start + i) as u32)
        });
        let tokens = Tokens {
            ids: int_tensor(ids.collect(), [n, c - 1], &device),
            positions: int_tensor(positions.collect(), [n, c - 1], &device),
            masked: Some(masked),
        };
        let hidden = model.decode(tokens, Some(&mut cache)); // [n, c-1, h]
        let [_, _, h] = hidden.dims();
        let (mut predictors, mut targets, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (_, text)) in all.iter().enumerate() {
            for (i, &target) in text.iter().enumerate().skip(1) {
                predictors.push((row * (c - 1) + i - 1) as u32);
                targets.push(target);
                rows.push(row);
            }
        }
        let m = rows.len();
        let predictors = int_tensor(predictors, [m], &device);
        let hidden = hidden.reshape([n * (c - 1), h]).select(0, predictors); // [m, h]
        let targets = int_tensor(targets, [m], &device);
        add(
            &mut log_probs,
            rows.into_iter(),
            picked(model.logits(hidden), targets),
        );
    }
    let mut log_probs = log_probs.into_iter();
    let take = |texts: &&[Vec<u32>]| log_probs.by_ref().take(texts.len()).collect();
    Ok(continuations.iter().map(take).collect())
}

/// Adds each token's log-probability to its row's sum.
fn add(sums: &mut [f64], rows: impl Iterator<Item = usize>, log_probs: Tensor<1>) {
    for (row, log_prob) in rows.zip(log_probs.into_data().iter::<f64>()) {
        sums[row] += log_prob;
    }
}
