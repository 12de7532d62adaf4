"""The same rules in KLayout itself: a generated DRC deck, the technology package around it, the rule table."""
