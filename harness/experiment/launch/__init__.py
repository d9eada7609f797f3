"""Where cells run: in this process, in others of this machine, on a Ray cluster, under Slurm.

A launcher is given jobs and gives back what became of each, in any order. A job is cells with
their fingerprints; what comes of it are records and weights below the results root, which is all
that is shared. A launcher changes no bit of them, so that it stands in no fingerprint.
"""
