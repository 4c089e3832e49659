//! Compression, timed by criterion beside the codec alone on the same octets:
//! `cargo bench --features deflate --bench deflate`. Each measurement is of a MiB of messages or a little
//! less. For counts, see `benches/instructions.sh`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

#[path = "common/compressed.rs"]
mod compressed;

fn both_ways(c: &mut Criterion) {
    let mut group = c.benchmark_group("deflate");
    group.sample_size(20);
    for size in [1024, 65_536] {
        let mut inflating = compressed::Inflating::new(size);
        let mut deflating = compressed::Deflating::new(size);
        group.throughput(Throughput::Bytes(inflating.octets()));
        for (name, run) in [
            (
                "inflate",
                compressed::Inflating::connection as fn(&mut _) -> _,
            ),
            ("inflate-zlib", compressed::Inflating::codec),
        ] {
            let id = BenchmarkId::new(name, size);
            group.bench_function(id, |b| b.iter(|| run(&mut inflating)));
        }
        for (name, run) in [
            (
                "deflate",
                compressed::Deflating::connection as fn(&mut _) -> _,
            ),
            ("deflate-zlib", compressed::Deflating::codec),
        ] {
            let id = BenchmarkId::new(name, size);
            group.bench_function(id, |b| b.iter(|| run(&mut deflating)));
        }
    }
    group.finish();
}

criterion_group!(benches, both_ways);
criterion_main!(benches);
