"""The shapes that are measured; `src/shapes.rs` holds the same."""

NUM_CLASSES = 4

LOSS_SHAPES = [(b, h) for h in (384, 768) for b in (64, 256, 1024)]
STUDENT_SHAPES = [(b, t) for b in (1, 8, 32) for t in (32, 64, 128)] + [(128, 64)]

# (batch, tokens of the plain view, tokens of the reasoned view)
STEP_SHAPES = [(32, 64, 128)]
