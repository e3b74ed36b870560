"""Mathematics only: expressions in index notation, the rule table, the chain rule, simplifying."""
