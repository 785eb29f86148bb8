"""From surprises to causes: signatures, evidence by onset, probabilities, findings."""
