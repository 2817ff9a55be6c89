/* table.c - native/table.c as a module of its own, for test_table.py: one table, and what can be done to it. */
#include "../native/table.c"

static table_t table;

static PyObject *add(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0;
  PyObject *object = NULL;
  if (!PyArg_ParseTuple(args, "KO", &handle, &object) || table_add(&table, handle, object) < 0) return NULL;
  Py_RETURN_NONE;
}

/* The object, or None. */
static PyObject *find(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0;
  if (!PyArg_ParseTuple(args, "K", &handle)) return NULL;
  PyObject *object = table_find(&table, handle);
  if (object == NULL) Py_RETURN_NONE;
  Py_INCREF(object);
  return object;
}

static PyObject *take(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0;
  if (!PyArg_ParseTuple(args, "K", &handle)) return NULL;
  PyObject *object = table_take(&table, handle);
  if (object == NULL) Py_RETURN_NONE;
  return object;
}

static PyObject *size(PyObject *module, PyObject *args) {
  (void)module, (void)args;
  return Py_BuildValue("KK", (unsigned long long)table.count, (unsigned long long)table.capacity);
}

static PyObject *clear(PyObject *module, PyObject *args) {
  (void)module, (void)args;
  table_clear(&table);
  Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"add", add, METH_VARARGS, NULL},     {"find", find, METH_VARARGS, NULL},   {"take", take, METH_VARARGS, NULL},
    {"size", size, METH_NOARGS, NULL},    {"clear", clear, METH_NOARGS, NULL},  {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "table", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC PyInit_table(void) { return PyModule_Create(&definition); }
