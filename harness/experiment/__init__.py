"""Run an ablation: plan its cells, train, score and record each."""
