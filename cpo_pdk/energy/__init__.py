"""Who takes how many watts, and where they become heat."""
