"""What an article is about: the linear topic model, its training and its calibration."""
