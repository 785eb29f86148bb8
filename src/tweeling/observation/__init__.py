"""What would a sensor see? Sensors, and the operator from a state to what they would read."""
