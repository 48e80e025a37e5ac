"""The fault lab: judges every fault and trap of the reference deployment, and says what the suite catches by what."""
