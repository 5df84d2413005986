class Runnable:
    def _init_running(self): pass
