"""A Keras 2 notebook with `torch_layers` in the place of `keras`: each cell runs as it did and prints what it printed.

Two things change: the imports, and values, which are torch tensors where the notebook had `K.variable(...)`.
Run it: python examples/notebook.py
"""

# %% Imports
import numpy as np
import torch

from torch_layers import Sequential, activations, losses
from torch_layers.layers import Activation, Add, Average, Concatenate, Dense, Embedding, Lambda

# %% Dense: inputs times a matrix, plus a bias
matrix = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
bias = np.array([0.5, -0.5, 0.0])
dense = Sequential()
dense.add(Dense(3, input_shape=(2,), weights=[matrix, bias]))
dense_output = dense.predict(np.array([[1.0, 1.0], [2.0, -1.0]]), verbose=0)
print("Dense takes", dense.input.shape)
print(dense_output)

# %% Softmax: any numbers become probabilities
scores = torch.log(torch.tensor([[1.0, 2.0, 5.0]]))
softmax_output = activations.softmax(scores)
print("softmax", softmax_output.numpy())

# %% ... and as a layer
classifier = Sequential([Dense(3, input_shape=(1,), weights=[scores, np.zeros(3)]), Activation("softmax")])
classifier_output = classifier.predict(np.array([[1.0], [0.0]]), verbose=0)
print("Dense and softmax")
print(classifier_output)

# %% Sparse categorical cross-entropy: minus the logarithm of the probability that the true class got
true_classes = torch.tensor([[0], [1]])
predicted = torch.tensor([[0.01, 0.98, 0.01], [0.05, 0.90, 0.05]])
loss = losses.sparse_categorical_crossentropy(true_classes, predicted)
print("the true class got 0.01:", loss[0].numpy())
print("the true class got 0.90:", loss[1].numpy())

# %% Embedding: the row of a number
vectors = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
embedding = Sequential([Embedding(4, 2, input_length=3, weights=[vectors])])
embedding_output = embedding.predict(np.array([[1, 2, 3], [0, 1, 1]]), verbose=0)
print("Embedding takes", embedding.input.shape, "and returns", embedding.output.shape)
print(embedding_output)

# %% Lambda: any function; here the mean of the words around a word, as in CBOW
cbow = Sequential()
cbow.add(Embedding(4, 2, input_length=2, weights=[vectors]))
cbow.add(Lambda(lambda words: words.mean(dim=1), output_shape=(2,)))
context = cbow.predict(np.array([[1, 3]]), verbose=0)
print("the mean of words 1 and 3", context)

# %% ... from which the word is predicted
cbow.add(Dense(4, activation="softmax", weights=[np.log([[1, 2, 3, 4], [1, 1, 1, 1]]) / 3, np.zeros(4)]))
cbow_output = cbow.predict(np.array([[1, 3]]), verbose=0)
print("the word between them", cbow_output)

# %% Merging a list of rows
table = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])
rows = [row for row in table]  # noqa: C416 (as the notebook has it)
concatenated = Concatenate(axis=0)(rows)
averaged = Average()(rows)
added = Add()(rows)
print("Concatenate", concatenated.numpy())
print("Average", averaged.numpy())
print("Add", added.numpy())
