//! The CRSD objective: cross entropy on two views of a pair and InfoNCE between them.
