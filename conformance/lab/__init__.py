"""The fault lab: judges every fault and allowed variation of the reference, and records what the suite catches."""
