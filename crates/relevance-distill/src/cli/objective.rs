//! `--objective` and its options: what a student minimises.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use relevance_distill::DistillError;
use relevance_distill::crsd_loss::{
    Align, AlignWeighting, CrsdLossConfig, Direction, ProjectionHeadConfig,
};
use relevance_distill::student_model::{
    LogitKdConfig, NegativePolicy, ObjectiveConfig, RDropConfig,
};

use super::choice::choice;

/// Each name with what it stands for.
const OBJECTIVES: [(&str, &str); 10] = [
    ("ce", "cross entropy of the plain view"),
    ("two-view", "cross entropy of both views, no alignment"),
    ("crsd", "both cross entropies and InfoNCE between the views"),
    (
        "mse",
        "both cross entropies and the squared distance of the views",
    ),
    (
        "cosine",
        "both cross entropies and the cosine distance of the views",
    ),
    (
        "view-kl",
        "both cross entropies and the divergence of the views' predictions",
    ),
    (
        "sup-con",
        "both cross entropies and supervised contrast between the views",
    ),
    (
        "sup-con-all-views",
        "both cross entropies and supervised contrast among all views",
    ),
    ("kd", "the teacher's class distribution"),
    (
        "r-drop",
        "cross entropy of two dropout passes and their divergence",
    ),
];

// No doc comment: it would become the help of the subcommand that has these options.
#[derive(Args, Clone, Debug)]
pub(super) struct ObjectiveArgs {
    /// What is minimised.
    #[arg(long, default_value = "crsd", value_parser = names())]
    objective: String,
    /// InfoNCE's τ.
    #[arg(long, default_value_t = 0.05)]
    temperature: f64,
    /// Weight λ of the alignment.
    #[arg(long, default_value_t = 0.1)]
    lambda: f64,
    /// Learn τ, from --temperature on.
    #[arg(long)]
    learnable_temperature: bool,
    /// Align the outputs of a projection head of this width, instead of the representations.
    #[arg(long)]
    projection_size: Option<usize>,
    /// Let each view look for the other, instead of the plain one for the reasoned one.
    #[arg(long)]
    symmetric: bool,
    /// No gradient of the alignment through the reasoned view.
    #[arg(long)]
    detach_reasoned: bool,
    /// Reasoned views of earlier batches that are further negatives; needs --detach-reasoned.
    #[arg(long, default_value_t = 0)]
    queue_size: usize,
    /// Which pairs the alignment listens to (teacher_confidence: that of the teacher's distributions).
    #[arg(long, default_value = "uniform", value_parser = choice::<AlignWeighting>(WEIGHTINGS))]
    align_weighting: AlignWeighting,
    /// Weigh each pair's alignment by the confidence of its annotation.
    #[arg(long)]
    pub(super) weigh_by_confidence: bool,
    /// Which other pairs are pushed away.
    #[arg(long, default_value = "except_duplicates", value_parser = choice::<NegativePolicy>(NEGATIVES))]
    pub(super) negatives: NegativePolicy,
}

const WEIGHTINGS: &[&str] = &["uniform", "student_difficulty", "teacher_confidence"];
const NEGATIVES: &[&str] = &[
    "all",
    "except_duplicates",
    "except_same_query",
    "except_same_item",
    "except_same_label",
];

/// The names, each with what it stands for in the long help.
fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(OBJECTIVES.map(|(name, help)| PossibleValue::new(name).help(help)))
}

impl ObjectiveArgs {
    /// The objective; an option that it has no use for is refused.
    pub(super) fn objective(&self) -> Result<ObjectiveConfig, DistillError> {
        let mut loss = CrsdLossConfig::new()
            .with_temperature(self.temperature)
            .with_lambda(self.lambda)
            .with_learnable_temperature(self.learnable_temperature)
            .with_detach_reasoned(self.detach_reasoned)
            .with_queue_size(self.queue_size)
            .with_align_weighting(self.align_weighting);
        let projection = self.projection_size.map(|size| {
            ProjectionHeadConfig::new().with_output_size(size) // validated with the rest
        });
        loss = loss.with_projection(projection);
        if self.symmetric {
            loss = loss.with_direction(Direction::Symmetric);
        }
        let plain = CrsdLossConfig::new()
            .with_temperature(self.temperature)
            .with_lambda(self.lambda);
        let changed = loss != plain || self.weigh_by_confidence;
        let objective = named_objective(&self.objective, loss)?;
        if changed && !objective.needs_reasons() {
            return Err(DistillError::InvalidConfig {
                field: "objective",
                value: format!("`{}`, with an option of the alignment", self.objective),
                allowed: "an objective of two views with it: crsd, mse, cosine, view-kl, sup-con, \
                          sup-con-all-views"
                    .to_owned(),
            });
        }
        Ok(objective)
    }
}

/// The objective of a name, around the loss of two views.
fn named_objective(name: &str, loss: CrsdLossConfig) -> Result<ObjectiveConfig, DistillError> {
    let aligned = |align: Align| ObjectiveConfig::Crsd(loss.clone().with_align(align));
    Ok(match name {
        "ce" => ObjectiveConfig::CrossEntropy,
        "two-view" => ObjectiveConfig::Crsd(loss.with_lambda(0.0)),
        "crsd" => aligned(Align::InfoNce),
        "mse" => aligned(Align::Mse),
        "cosine" => aligned(Align::Cosine),
        "view-kl" => aligned(Align::ViewKl),
        "sup-con" => aligned(Align::SupCon),
        "sup-con-all-views" => aligned(Align::SupConAllViews),
        "kd" => ObjectiveConfig::LogitKd(LogitKdConfig::default()),
        "r-drop" => ObjectiveConfig::RDrop(RDropConfig::default()),
        _ => {
            return Err(DistillError::InvalidConfig {
                field: "objective",
                value: format!("`{name}`"),
                allowed: OBJECTIVES.map(|(name, _)| name).join(", "),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::choice::tests::check;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ObjectiveArgs,
    }

    fn args(line: &str) -> ObjectiveArgs {
        Line::parse_from(["test"].into_iter().chain(line.split_whitespace())).args
    }

    #[test]
    fn every_name_has_an_objective_and_others_are_refused() {
        for (name, _) in OBJECTIVES {
            let objective = args(&format!("--objective {name}")).objective();
            objective.expect(name);
        }
        check::<AlignWeighting>(WEIGHTINGS);
        check::<NegativePolicy>(NEGATIVES);
    }

    #[test]
    fn options_reach_the_loss() {
        let args = args(
            "--learnable-temperature --projection-size 64 --detach-reasoned --queue-size 512 \
             --align-weighting student_difficulty --symmetric --negatives except_same_query",
        );
        let ObjectiveConfig::Crsd(loss) = args.objective().expect("valid") else {
            panic!("not CRSD");
        };
        assert!(loss.learnable_temperature && loss.detach_reasoned);
        assert_eq!(
            (loss.queue_size, loss.direction),
            (512, Direction::Symmetric)
        );
        assert_eq!(loss.projection.expect("a head").output_size, 64);
        assert_eq!(loss.align_weighting, AlignWeighting::StudentDifficulty);
        assert_eq!(args.negatives, NegativePolicy::ExceptSameQuery);
    }

    #[test]
    fn options_that_would_be_ignored_are_refused() {
        for line in [
            "--objective ce --queue-size 8",
            "--objective kd --symmetric",
        ] {
            args(line).objective().expect_err(line);
        }
        for line in [
            "--negatives same",
            "--align-weighting none",
            "--objective infonce",
        ] {
            let line = ["test"].into_iter().chain(line.split_whitespace());
            assert!(Line::try_parse_from(line).is_err());
        }
    }
}
