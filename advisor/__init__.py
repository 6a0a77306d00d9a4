"""Choose a pretrained model: advice, a brief probe on your own data, and one report to decide by."""
