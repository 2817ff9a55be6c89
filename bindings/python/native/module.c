/* module.c - the module dog._native. */
#include "native.h"

/* The version of the libdog that is loaded, and of the dog.h that this was compiled with. */
static PyObject *versions(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  uint32_t loaded = dog_version();
  return Py_BuildValue("(III)(iii)", loaded >> 16, loaded >> 8 & 0xff, loaded & 0xff, DOG_VERSION_MAJOR,
                       DOG_VERSION_MINOR, DOG_VERSION_PATCH);
}

/* (status): its name and its sentence. */
static PyObject *status_text(PyObject *module, PyObject *argument) {
  (void)module;
  long status = PyLong_AsLong(argument);
  if (PyErr_Occurred()) return NULL;
  return Py_BuildValue("ss", dog_status_name((dog_status_t)status), dog_status_text((dog_status_t)status));
}

/* What dog_options_t is made with: a dict of its numbers. */
static PyObject *defaults(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  dog_options_t options;
  dog_status_t status = dog_options_init(&options, sizeof options);
  return status == DOG_OK ? members_get(&options, option_members) : raise_status(status);
}

static PyMethodDef functions[] = {
    {"versions", versions, METH_NOARGS, NULL},
    {"defaults", defaults, METH_NOARGS, NULL},
    {"status_text", status_text, METH_O, NULL},
    {"check_keys", json_check_keys, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* Its types are kept in static variables, so it is for one interpreter: m_size is -1. */
static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "dog._native",
    .m_doc = "libdog for the package dog. What is here is not API: use the package.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__native(void) {
  PyObject *module = PyModule_Create(&definition);
  if (module == NULL) return NULL;
  if (PyModule_AddFunctions(module, request_functions) == 0 && senders_init(module) == 0 && engine_init(module) == 0) {
    return module;
  }
  Py_DECREF(module);
  return NULL;
}
