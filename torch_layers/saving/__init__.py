"""Keras files of every age, read without Keras and without running what they carry; and written."""
