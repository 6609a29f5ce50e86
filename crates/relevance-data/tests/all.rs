//! One program of all tests: a program each would link everything a dozen times.

mod cleaning;
mod esci;
mod examples_of_data_md;
mod hostile_texts;
mod naive_bayes;
mod rationale_writer;
mod records;
mod replies;
mod settings;
mod sources;
mod splits;
mod training_records;
