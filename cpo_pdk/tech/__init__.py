"""The process as data: layers, rules, waveguides, materials, stack; and the same as gdsfactory objects."""
