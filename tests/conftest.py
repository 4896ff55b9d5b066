"""Settings for all tests."""

from hypothesis import settings

settings.register_profile("newsclf", deadline=None, derandomize=True)  # a busy machine is not a defect; the same run everywhere
settings.load_profile("newsclf")
