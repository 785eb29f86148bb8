"""A stand-in for reality: a hidden truth, simulated by EPANET, that sends readings."""
