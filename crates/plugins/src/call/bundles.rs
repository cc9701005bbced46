//! Writes a crash bundle of a call that had a fault, if its caller asked for one.
