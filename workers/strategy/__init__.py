"""From closed bars and a rule file to a trade idea whose every number can be traced."""
