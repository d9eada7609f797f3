"""Run an ablation: plan its runs, train, score and record each."""
