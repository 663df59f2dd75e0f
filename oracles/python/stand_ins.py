"""Import it before dictionary_learning, SAELens or sparsify: what these import besides, and nobody here uses, may then be missing."""
import importlib.machinery
import sys
import types


class Stub(types.ModuleType):
    """A package that is imported and not used."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Stubs:
    names = ("nnsight", "datasets", "wandb", "zstandard")

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.append(Stubs())  # last: what is installed is used
