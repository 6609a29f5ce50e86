//! What padding and packing must not change.

use burn::tensor::{Device, Tensor};
use causal_lm::{
    AttentionPattern, CausalLm, CausalLmConfig, CausalLmError, LmBatch, LmExample, next_token_loss,
    sequence_log_probs,
};
use proptest::prelude::*;

use crate::golden::{MODELS, largest_difference, model};

const SHORT: [u32; 3] = [4, 90, 17];
const LONG: [u32; 8] = [101, 2, 2, 77, 30, 5, 64, 9];

fn collate(examples: &[LmExample]) -> LmBatch {
    LmBatch::collate(examples, 0, &Device::flex()).unwrap()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn alone(model: &CausalLm, ids: &[u32]) -> Vec<f32> {
    values(model.forward(&collate(&[LmExample::new(ids.to_vec())])))
}

#[test]
fn left_padding_changes_nothing() {
    for name in MODELS {
        let model = model(name);
        let prompts = [SHORT.to_vec(), LONG.to_vec()];
        let batch = LmBatch::left_padded(&prompts, 0, &Device::flex()).unwrap();
        assert!(matches!(batch.attention, AttentionPattern::Padded { .. }));
        let logits = model.forward(&batch); // [2, 8, v]
        let short = logits.clone().narrow(0, 0, 1).narrow(1, 5, 3);
        assert!(
            largest_difference(&values(short), &alone(&model, &SHORT)) < 1e-5,
            "{name}"
        );
        let long = logits.narrow(0, 1, 1);
        assert!(
            largest_difference(&values(long), &alone(&model, &LONG)) < 1e-5,
            "{name}"
        );
    }
}

#[test]
fn packing_changes_nothing() {
    for name in MODELS {
        let model = model(name);
        let texts = [LONG, [7; 8]].map(|ids| LmExample::new(ids.to_vec()));
        let short = LmExample::new(SHORT.to_vec());
        let packed = LmExample::packed(&[texts[0].clone(), short.clone(), texts[1].clone()]);
        // A shorter row beside it, so that the packed row's mask meets padding too.
        let batch = collate(&[packed, short]);
        let logits = model.forward(&batch); // [2, 19, v]
        let spans = [
            (0, 0, 8, &LONG[..]),
            (0, 8, 3, &SHORT),
            (0, 11, 8, &[7; 8]),
            (1, 0, 3, &SHORT),
        ];
        for (row, start, len, ids) in spans {
            let found = values(logits.clone().narrow(0, row, 1).narrow(1, start, len));
            let difference = largest_difference(&found, &alone(&model, ids));
            assert!(difference < 1e-5, "{name}, {row} {start}: {difference}");
        }
        assert!(values(logits).iter().all(|logit| logit.is_finite()));
    }
}

#[test]
fn a_document_does_not_predict_the_next() {
    let texts = [
        LmExample::new(SHORT.to_vec()),
        LmExample::new(LONG.to_vec()),
    ];
    let packed = LmExample::packed(&texts);
    assert_eq!(packed.num_targets(), 2 + 7);
    let model = model("qwen3");
    let together = sequence_log_probs(&model, &collate(&[packed]));
    let apart = sequence_log_probs(&model, &collate(&texts));
    assert_eq!(values(together.tokens), [9.0]);
    assert_eq!(values(apart.tokens), [2.0, 7.0]);
    let (together, apart) = (values(together.sum)[0], values(apart.sum));
    assert!((together - apart[0] - apart[1]).abs() < 1e-4);
}

#[test]
fn a_single_document_needs_no_mask_but_the_causal_one() {
    let rows = [
        LmExample::new(SHORT.to_vec()),
        LmExample::packed(&[LmExample::new(LONG.to_vec())]),
    ];
    assert!(matches!(collate(&rows).attention, AttentionPattern::Causal));
    let prompts = [SHORT.to_vec(), SHORT.to_vec()];
    let batch = LmBatch::left_padded(&prompts, 0, &Device::flex()).unwrap();
    assert!(matches!(batch.attention, AttentionPattern::Causal));
}

#[test]
fn completions_count_and_prompts_do_not() {
    let example = LmExample::completion(&SHORT, &[8, 9]);
    assert_eq!(example.loss_mask, [false, false, false, true, true]);
    let batch = collate(&[example, LmExample::completion(&LONG, &[])]);
    assert_eq!(batch.num_targets(), [2, 0]);
    let rows = sequence_log_probs(&model("llama"), &batch);
    assert_eq!(
        (values(rows.sum)[1], values(rows.tokens)),
        (0.0, vec![2.0, 0.0])
    );
}

#[test]
fn bad_rows_are_named() {
    let message = |examples: &[LmExample]| {
        LmBatch::collate(examples, 0, &Device::flex())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(&[]),
        "the batch is empty; at least one row is needed"
    );
    let good = LmExample::new(vec![1]);
    let empty = LmExample::new(vec![]);
    assert!(message(&[good.clone(), empty]).starts_with("row 1 has no token"));
    let short = LmExample {
        loss_mask: vec![],
        ..good.clone()
    };
    assert!(message(&[short]).starts_with("row 0: `loss_mask` has 0 entries, but 1"));
    let model = model("qwen2");
    let error = next_token_loss(&model, &collate(std::slice::from_ref(&good))).unwrap_err();
    assert!(matches!(error, CausalLmError::NoTargets));
    let error =
        next_token_loss(&model, &collate(&[good, LmExample::new(vec![3, 128])])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 1: token id 128 is outside the vocabulary of 128"
    );
}

fn tiny() -> CausalLm {
    let config = CausalLmConfig {
        vocab_size: 20,
        hidden_size: 16,
        intermediate_size: 24,
        num_hidden_layers: 2,
        initializer_range: 0.3,
        ..Default::default()
    };
    config.init(1, &Device::flex()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn later_tokens_never_matter(ids in prop::collection::vec(0u32..20, 2..12), change in 0u32..20) {
        let model = tiny();
        let before = alone(&model, &ids);
        let mut changed = ids.clone();
        *changed.last_mut().unwrap() = change;
        let after = alone(&model, &changed);
        let untouched = (ids.len() - 1) * 20;
        prop_assert!(largest_difference(&before[..untouched], &after[..untouched]) < 1e-5);
    }

    #[test]
    fn any_packing_gives_the_sum_of_its_texts(
        texts in prop::collection::vec(prop::collection::vec(0u32..20, 1..7), 1..5)
    ) {
        let model = tiny();
        let texts: Vec<LmExample> = texts.into_iter().map(LmExample::new).collect();
        let together = values(sequence_log_probs(&model, &collate(&[LmExample::packed(&texts)])).sum)[0];
        let apart: f32 = values(sequence_log_probs(&model, &collate(&texts)).sum).iter().sum();
        prop_assert!((together - apart).abs() < 1e-3, "{} for {}", together, apart);
    }
}
