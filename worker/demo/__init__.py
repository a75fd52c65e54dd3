"""`campaigns demo`: a whole installation for a minute, and one campaign through it."""
