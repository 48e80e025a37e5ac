"""Lets real clients talk to the recorded answers of a run, and says what each of them understood."""
