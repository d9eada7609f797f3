"""Networks of the AWSRN paper and its baselines; import from the submodules."""
