"""Weights of others: the forms their files take, their names for tensors, what they fit."""
