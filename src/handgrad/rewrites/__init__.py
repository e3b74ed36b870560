"""Named rewrites: a derivation in, an equal one in another form out, each named on the page it makes."""
