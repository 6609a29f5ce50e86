//! Any text as a reply, in both orders: what is read comes back from what is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relevance_data::{LabelSchema, ReplyFormat, ReplyOrder};

fuzz_target!(|text: &str| {
    let schema = LabelSchema::esci();
    for order in [ReplyOrder::ReasonThenLabel, ReplyOrder::LabelThenReason] {
        let format = ReplyFormat::new(order);
        match format.parse(text, &schema) {
            Ok(reply) => {
                assert!(!reply.rationale.is_empty());
                let written = format.render(&reply, &schema);
                assert_eq!(format.parse(&written, &schema), Ok(reply));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
