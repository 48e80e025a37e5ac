"""What a command prints, and how it ends: summaries, one sentence for bad input, the exit status."""
