//! Pickles that go to real Pythons and come back.
