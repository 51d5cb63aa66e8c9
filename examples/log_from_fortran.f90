! A run logged from Fortran through iso_c_binding: a pendulum, by the leapfrog method.
!
!     gfortran log_from_fortran.f90 -o pendulum $(pkg-config --libs muster-track)
!     ./pendulum
!     muster runs show last
!
! The module declares the calls of include/muster/tracker.h that are used here; others are
! declared likewise.
module muster
  use, intrinsic :: iso_c_binding
  implicit none
  private
  public :: muster_run_start, muster_run_end, muster_run_log_metric, muster_run_log_param
  public :: muster_run_options, muster_message, c_text
  public :: muster_ok, muster_run_finished, muster_run_failed

  integer(c_int), parameter :: muster_ok = 0
  integer(c_int), parameter :: muster_run_finished = 3, muster_run_failed = 4

  ! MusterRunOptions, field by field.
  type, bind(c) :: muster_run_options
    integer(c_size_t) :: size = 0
    type(c_ptr) :: tracking_uri = c_null_ptr
    type(c_ptr) :: experiment_name = c_null_ptr
    type(c_ptr) :: run_name = c_null_ptr
    type(c_ptr) :: run_id = c_null_ptr
    type(c_ptr) :: artifact_root = c_null_ptr
    type(c_ptr) :: source_name = c_null_ptr
    type(c_ptr) :: tags = c_null_ptr
    integer(c_size_t) :: n_tags = 0
    integer(c_size_t) :: queue_points = 0
    integer(c_int) :: n_ranks = 0
    integer(c_int) :: no_git = 0
    integer(c_int) :: durable = 0
    integer(c_int) :: commit_ms = 0
    integer(c_int) :: finish_ms = 0
  end type

  interface
    integer(c_int) function muster_run_start(options, run) bind(c)
      import :: c_int, c_ptr, muster_run_options
      type(muster_run_options), intent(in) :: options
      type(c_ptr), intent(out) :: run
    end function

    integer(c_int) function muster_run_log_metric(run, key, value, step) bind(c)
      import :: c_int, c_ptr, c_char, c_double, c_int64_t
      type(c_ptr), value :: run
      character(kind=c_char), intent(in) :: key(*)
      real(c_double), value :: value
      integer(c_int64_t), value :: step
    end function

    integer(c_int) function muster_run_log_param(run, key, value) bind(c)
      import :: c_int, c_ptr, c_char
      type(c_ptr), value :: run
      character(kind=c_char), intent(in) :: key(*), value(*)
    end function

    integer(c_int) function muster_run_end(run, status) bind(c)
      import :: c_int, c_ptr
      type(c_ptr), value :: run
      integer(c_int), value :: status
    end function

    type(c_ptr) function muster_status_message() bind(c)
      import :: c_ptr
    end function

    integer(c_size_t) function strlen(text) bind(c)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
    end function
  end interface

contains

  ! Fortran's text as C has it.
  pure function c_text(text) result(out)
    character(*), intent(in) :: text
    character(kind=c_char, len=len_trim(text) + 1) :: out
    out = trim(text)//c_null_char
  end function

  ! Why the last call failed.
  function muster_message() result(out)
    character(:), allocatable :: out
    character(kind=c_char), pointer :: bytes(:)
    type(c_ptr) :: message
    integer :: i
    message = muster_status_message()
    call c_f_pointer(message, bytes, [strlen(message)])
    allocate (character(size(bytes)) :: out)
    do i = 1, size(bytes)
      out(i:i) = bytes(i)
    end do
  end function
end module

program pendulum
  use, intrinsic :: iso_c_binding
  use muster
  implicit none
  integer, parameter :: steps = 1000
  real(c_double), parameter :: dt = 0.01_c_double
  character(kind=c_char, len=9), target :: experiment = 'pendulum'//c_null_char
  type(muster_run_options) :: options
  type(c_ptr) :: run
  real(c_double) :: angle, speed, energy, first_energy
  integer(c_int64_t) :: i

  options%size = c_sizeof(options)
  options%experiment_name = c_loc(experiment)
  call check(muster_run_start(options, run), 'start')
  call check(muster_run_log_param(run, c_text('method'), c_text('leapfrog')), 'param')

  angle = 1
  speed = 0
  first_energy = -cos(angle)
  do i = 1, steps
    speed = speed - dt/2*sin(angle)
    angle = angle + dt*speed
    speed = speed - dt/2*sin(angle)
    energy = speed**2/2 - cos(angle)
    call check(muster_run_log_metric(run, c_text('angle'), angle, i), 'metric')
    call check(muster_run_log_metric(run, c_text('energy'), energy, i), 'metric')
  end do

  if (abs(energy - first_energy) > 1e-4_c_double) then
    call check(muster_run_end(run, muster_run_failed), 'end')
    error stop 'the energy is not kept'
  end if
  call check(muster_run_end(run, muster_run_finished), 'end')
  print '(a, f9.6)', 'angle at the end: ', angle

contains

  subroutine check(status, what)
    integer(c_int), intent(in) :: status
    character(*), intent(in) :: what
    if (status /= muster_ok) then
      print '(4a)', 'pendulum: ', what, ': ', muster_message()
      error stop 1
    end if
  end subroutine
end program
