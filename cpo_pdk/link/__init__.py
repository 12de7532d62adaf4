"""Link budget of every lane: levels, noise, eye, margin; from the solved layout and the sheets of what is bought."""
