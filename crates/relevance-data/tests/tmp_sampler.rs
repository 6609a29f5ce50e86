#[test]
fn print() {
    let lengths: Vec<usize> = (0..11).map(|i| 10 + (i * 7919) % 118).collect();
    for epoch in [0, 1] {
        let s = relevance_data::BatchSampler::new(lengths.clone(), 4, 7).unwrap();
        println!("EPOCH {epoch} {:?}", s.epoch(epoch));
    }
}
