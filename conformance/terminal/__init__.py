"""What a command says on the terminal, and how it ends: summaries, one sentence for bad input, the exit status."""
