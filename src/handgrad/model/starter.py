"""What ``handgrad new`` writes: a problem file with every key one is likely to want, explained."""

__all__ = ["EQUATIONS", "NETWORK"]

NETWORK = """# A problem for handgrad. Try: handgrad explain THIS_FILE
title = "My first network"
source = "where the numbers come from"

[data]                          # one row per example
x = [[0.05, 0.10]]
y = [[0.01]]

[network]
loss = "half_squared_error"     # squared_error, mean_squared_error, binary_cross_entropy,
                                # cross_entropy (after softmax), …, or a formula in a and y
seed = 0                        # draws every W that is left out

[[network.layers]]              # the first layer: two units, two inputs each
activation = "sigmoid"          # identity, tanh, relu, softmax, …, or a formula in z
W = [[0.15, 0.20], [0.25, 0.30]]  # one row per unit; leave it out and give units = 2 instead
b = [0.35, 0.35]                # one per unit; false: no bias; left out: zeros

[[network.layers]]              # the output layer: one unit
activation = "sigmoid"
W = [[0.40, 0.45]]
b = [0.60]

[training]
optimizer = "sgd"
learning_rate = 0.5
steps = 1

[notation]                      # how it is shown, never what is computed
digits = 4                      # decimals
backward = "steps"              # or "chain", "delta", "matrix"
"""

EQUATIONS = '''# A problem for handgrad, in equations. Try: handgrad explain THIS_FILE
title = "My first equations"
source = "where the numbers come from"

[data]                          # x and T stand without an index below, so each entry is one example
x = [0.5, 1.0]
T = [0.2, 0.6]

[equations]                     # one a line; sum(i, W[j,i]*x[i]) sums over i
loss = "E"                      # the quantity to differentiate
reduce = "sum"                  # over the examples; or "mean"
forward = """
z1 = w1*x + b1
a1 = sigmoid(z1)
z2 = w2*a1 + b2
a2 = sigmoid(z2)
E  = (T - a2)**2 / 2
"""

[parameters]                    # trained, unless listed as frozen = ["b1"] under [equations]
w1 = 0.3
b1 = 0.1
w2 = 0.2
b2 = 0.4

[training]
learning_rate = 0.1

[notation]
digits = 4
backward = "chain"              # or "steps", "delta", "matrix"
'''
