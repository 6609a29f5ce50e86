//! What must hold of generated and scored texts.

use burn::tensor::Device;
use causal_lm::{
    CausalLm, CausalLmConfig, GenerationConfig, LmBatch, LmExample, sequence_log_probs,
};

use crate::golden::{MODELS, golden, model};

fn greedy() -> GenerationConfig {
    GenerationConfig {
        max_new_tokens: 24,
        ..Default::default()
    }
}

fn sampled() -> GenerationConfig {
    GenerationConfig {
        do_sample: true,
        temperature: 2.0,
        ..greedy()
    }
}

fn prompts() -> Vec<Vec<u32>> {
    vec![
        vec![5, 77, 3],
        vec![9, 44, 127, 8, 61, 50, 3],
        vec![12],
        vec![8; 11],
        vec![6, 7, 8],
    ]
}

#[test]
fn the_cache_changes_no_token() {
    for name in MODELS {
        let model = model(name);
        for config in [greedy(), sampled()] {
            let with = model.generate(&prompts(), &config).unwrap();
            let config = GenerationConfig {
                use_cache: false,
                ..config
            };
            assert_eq!(with, model.generate(&prompts(), &config).unwrap(), "{name}");
        }
    }
}

#[test]
fn neighbours_change_no_token() {
    let model = model("qwen3");
    for config in [greedy(), sampled()] {
        let together = model
            .generate_seeded(&prompts(), &[1, 2, 3, 4, 5], &config)
            .unwrap();
        for (row, prompt) in prompts().into_iter().enumerate() {
            let alone = model
                .generate_seeded(&[prompt], &[row as u64 + 1], &config)
                .unwrap();
            assert_eq!(alone[0], together[row]);
        }
        let config = GenerationConfig {
            batch_size: 2,
            ..config
        };
        let in_twos = model
            .generate_seeded(&prompts(), &[1, 2, 3, 4, 5], &config)
            .unwrap();
        assert_eq!(in_twos, together);
    }
}

#[test]
fn a_reply_ends_with_the_first_end_of_text() {
    for name in MODELS {
        let model = model(name);
        let eos = model.config().eos_token_id[0];
        let config = GenerationConfig {
            num_return_sequences: 8,
            top_k: 0,
            ..sampled()
        };
        let replies = model.generate(&prompts(), &config).unwrap();
        assert_eq!(replies.len(), 40);
        for reply in &replies {
            let ended = reply.last() == Some(&eos);
            assert!(ended || reply.len() == 24);
            assert_eq!(
                reply.iter().filter(|id| **id == eos).count(),
                usize::from(ended)
            );
        }
        assert!(replies.iter().any(|reply| reply.len() < 24));
        assert!(replies.iter().any(|reply| reply.len() == 24));
    }
}

#[test]
fn seeds_decide_the_draws() {
    let model = model("llama");
    let config = GenerationConfig {
        num_return_sequences: 3,
        ..sampled()
    };
    let replies = model.generate(&prompts(), &config).unwrap();
    assert_eq!(replies, model.generate(&prompts(), &config).unwrap());
    assert_ne!(replies[0], replies[1]);
    let other = GenerationConfig {
        seed: 43,
        ..config.clone()
    };
    assert_ne!(replies, model.generate(&prompts(), &other).unwrap());
    // Whatever the number of replies, the first ones stay.
    let fewer = GenerationConfig {
        num_return_sequences: 1,
        ..config
    };
    let firsts: Vec<_> = replies.iter().step_by(3).cloned().collect();
    assert_eq!(firsts, model.generate(&prompts(), &fewer).unwrap());
}

#[test]
fn a_model_in_training_generates_too() {
    let device = Device::flex().autodiff();
    let model = CausalLm::from_dir(crate::golden::path("qwen3"), &device).unwrap();
    let golden = golden("qwen3");
    assert_eq!(
        model.generate(&golden.prompts, &greedy()).unwrap(),
        golden.greedy
    );
}

#[test]
fn bad_prompts_are_named() {
    let model = model("qwen3");
    let message =
        |prompts: &[Vec<u32>]| model.generate(prompts, &greedy()).unwrap_err().to_string();
    assert!(message(&[vec![1], vec![]]).starts_with("row 1 has no token"));
    assert!(message(&[vec![128]]).contains("token id 128 is outside the vocabulary of 128"));
    assert!(message(&[vec![1; 110]]).contains("134 tokens do not fit into the context of 128"));
    assert!(model.generate(&[], &greedy()).unwrap().is_empty());
}

#[test]
fn continuations_score_as_whole_sequences() {
    for name in MODELS {
        let model = model(name);
        let continuations = vec![vec![vec![4], vec![9, 9, 80], vec![1, 2]]; 5];
        let scores = model
            .continuation_log_probs(&prompts(), &continuations, 7)
            .unwrap();
        for (prompt, (continuations, scores)) in
            prompts().iter().zip(continuations.iter().zip(&scores))
        {
            assert_eq!(scores.len(), 3);
            for (continuation, score) in continuations.iter().zip(scores) {
                let example = LmExample::completion(prompt, continuation);
                let batch = LmBatch::collate(&[example], 0, &Device::flex()).unwrap();
                let whole: f64 = sequence_log_probs(&model, &batch).sum.into_scalar();
                assert!((score - whole).abs() < 1e-4, "{name}: {score} for {whole}");
            }
        }
    }
}

#[test]
fn continuations_of_one_token_and_none() {
    let model = model("qwen2");
    let continuations = vec![vec![vec![4], vec![5]], vec![]];
    let scores = model
        .continuation_log_probs(&prompts()[..2], &continuations, 64)
        .unwrap();
    assert_eq!((scores[0].len(), scores[1].len()), (2, 0));
    let error = model
        .continuation_log_probs(&prompts()[..1], &[vec![vec![]]], 4)
        .unwrap_err();
    assert!(error.to_string().starts_with("row 0 has no token"));
    let error = model
        .continuation_log_probs(&prompts(), &[], 4)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`continuations` has 0 entries, but 5")
    );
}

#[test]
fn init_is_a_function_of_the_seed() {
    let config = CausalLmConfig {
        vocab_size: 50,
        num_hidden_layers: 1,
        ..Default::default()
    };
    let logits = |seed| {
        let model = config.init(seed, &Device::flex()).unwrap();
        let batch = LmBatch::collate(&[LmExample::new(vec![3, 4, 5])], 0, &Device::flex()).unwrap();
        model.forward(&batch).into_data()
    };
    assert_eq!(logits(1), logits(1));
    assert_ne!(logits(1), logits(2));
}
