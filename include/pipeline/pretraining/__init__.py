"""Pre-training of backbones: what the DAG pretrain_backbone and `make pretrain` run; no hour imports it."""
