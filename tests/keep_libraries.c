/* Linked into sanitizer builds alone: libraries stay loaded until the leak report is
 * written, so that tests/lsan.supp can name them. OpenMPI unloads its plugins before. */
int dlclose(void *handle);

int dlclose(void *handle)
{
    (void)handle;
    return 0;
}
