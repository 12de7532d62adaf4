"""Layout against spec: is the circuit in the file the one that was asked for, with the sizes that were asked for."""
