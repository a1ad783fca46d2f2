"""The pages of the window, one file each. A page is built when it is first shown."""
