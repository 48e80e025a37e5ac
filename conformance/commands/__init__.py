"""What each command of the command line does; `cli` reads its options."""
