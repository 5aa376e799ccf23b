"""What needs torch, transformers, peft and trl: training, merging, and answering with a model."""
