//! File dialogs and the clipboard, which may block for as long as a person thinks: on a named thread, one at a time.
//!
//! Where a dialog begins is looked up on the thread, because a disk may sleep or be far away. The dialog's future is then
//! made on the window's thread (macOS insists) and waited for on another; the answer comes back as an [`Action`], so the
//! state never learns that a dialog exists.

use crate::app::{Action, Dialog, Severity, State, dialog_answer};
use crate::config::folder_of;
use crate::convert::{ConvertForm, folder_beside};
use crate::data::Catalog;
use crate::data::endings::{IMAGE_ENDINGS, LIST_ENDINGS, SET_ENDING};
use crate::model::weights::WEIGHTS_ENDINGS;
use crate::worker::protocol::ImageSource;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

type Wakeup = Arc<dyn Fn() + Send + Sync>;
type Chosen = Pin<Box<dyn Future<Output = Option<PathBuf>> + Send>>;

/// Where a file dialog begins.
#[derive(Clone, Debug)]
pub enum Start {
    /// Where the system thinks best.
    Anywhere,
    /// In this folder, if it is there.
    In(PathBuf),
    /// Beside these images, where records do not hide them.
    Beside(Arc<Catalog>),
}

impl Start {
    /// Where this dialog begins. Looks at nothing on the disk.
    pub fn of(state: &State, dialog: &Dialog) -> Self {
        let folder = match dialog {
            Dialog::OpenRun | Dialog::ImportWeights | Dialog::ExportRun | Dialog::SavePicture => {
                Some(state.runs_root.as_path())
            }
            Dialog::PickPairImages => state.pairs.as_ref().map(|view| folder_of(&view.file)),
            Dialog::PickDetector => state.faces.detector.as_deref().and_then(Path::parent),
            // A list finds its images where it lies; other forms have no place among them.
            Dialog::ExportData(order) if order.request.form != ConvertForm::PairList => {
                return state.open_data().map_or(Self::Anywhere, |data| Self::Beside(Arc::clone(&data.catalog)));
            }
            _ => state.open_data().map(|data| data.catalog.root.as_path()),
        };
        folder.map_or(Self::Anywhere, |folder| Self::In(folder.to_owned()))
    }

    /// The folder, if there is one. Waits for the disk.
    fn folder(self) -> Option<PathBuf> {
        let folder = match self {
            Self::Anywhere => None,
            Self::In(folder) => Some(folder),
            Self::Beside(catalog) => folder_beside(&catalog),
        };
        folder.filter(|folder| folder.is_dir())
    }
}

/// What comes from the other thread.
enum News {
    /// The dialog can be shown, beginning in this folder.
    Ready { dialog: Dialog, folder: Option<PathBuf>, wake: Wakeup },
    /// It is over.
    Answer(Option<Action>),
}

/// At most one question to the system under way.
#[derive(Debug, Default)]
pub struct Dialogs {
    open: Option<Receiver<News>>,
}

impl Dialogs {
    /// Shows a file dialog as soon as it is known where it begins.
    pub fn ask(&mut self, dialog: Dialog, start: Start, wake: Wakeup) -> Option<Action> {
        self.prepare(dialog, move || start.folder(), wake)
    }

    fn prepare(
        &mut self,
        dialog: Dialog,
        find: impl FnOnce() -> Option<PathBuf> + Send + 'static,
        wake: Wakeup,
    ) -> Option<Action> {
        let later = Arc::clone(&wake);
        self.spawn(wake, move || News::Ready { dialog, folder: find(), wake: later })
    }

    fn show(&mut self, dialog: Dialog, folder: Option<PathBuf>, wake: Wakeup) -> Option<Action> {
        let future = chosen(&dialog, folder);
        self.spawn(wake, move || News::Answer(block_on(future).map(|path| dialog_answer(dialog, path))))
    }

    /// Reads a picture from the clipboard.
    pub fn read_clipboard(&mut self, wake: Wakeup) -> Option<Action> {
        self.spawn(wake, || News::Answer(Some(clipboard_picture())))
    }

    /// The answer, once there is one; shows the dialog when it can be.
    pub fn poll(&mut self) -> Option<Action> {
        let news = match self.open.as_ref()?.try_recv() {
            Ok(news) => news,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                News::Answer(Some(say("The system's dialog stopped unexpectedly; drop the file on the window instead")))
            }
        };
        self.open = None;
        match news {
            News::Ready { dialog, folder, wake } => self.show(dialog, folder, wake),
            News::Answer(answer) => answer,
        }
    }

    fn spawn(&mut self, wake: Wakeup, work: impl FnOnce() -> News + Send + 'static) -> Option<Action> {
        if self.open.is_some() {
            return Some(say("Another file dialog is open already; it may be behind this window"));
        }
        let (send, receive) = sync_channel(1);
        let run = move || {
            // The window may be gone by the time a person answers; then nobody needs the answer.
            send.send(work()).ok();
            drop(send);
            wake();
        };
        match std::thread::Builder::new().name("dialog".to_owned()).spawn(run) {
            Ok(_) => {
                self.open = Some(receive);
                None
            }
            Err(error) => Some(say(&format!("The dialog could not be opened ({error})"))),
        }
    }
}

fn say(text: &str) -> Action {
    Action::Say(Severity::Warning, text.to_owned())
}

/// `folder` is one that is there.
fn chosen(dialog: &Dialog, folder: Option<PathBuf>) -> Chosen {
    let mut ask = rfd::AsyncFileDialog::new();
    if let Some(folder) = folder {
        ask = ask.set_directory(folder);
    }
    match dialog {
        Dialog::OpenFolder => path_of(ask.set_title("Open a folder of images").pick_folder()),
        Dialog::OpenRun => path_of(ask.set_title("Open a run folder").pick_folder()),
        Dialog::OpenFile => path_of(ask.set_title("Open a file that holds or lists images").pick_file()),
        Dialog::ImportWeights => {
            // Also `model_best.pth.tar` and `pytorch_model.bin`; what a file holds is looked at, whatever its name.
            let endings: Vec<&str> = WEIGHTS_ENDINGS.into_iter().chain(["tar", "bin"]).collect();
            let ask = ask.set_title("Import weights").add_filter("PyTorch and safetensors", &endings);
            path_of(ask.add_filter("All files", &["*"]).pick_file())
        }
        Dialog::PickPairs => {
            let ask = ask.set_title("Choose a list of pairs or a verification set");
            let endings: Vec<&str> = LIST_ENDINGS.into_iter().chain([SET_ENDING]).collect();
            path_of(ask.add_filter("Pairs", &endings).pick_file())
        }
        Dialog::PickPairImages => path_of(ask.set_title("Choose the folder of the images").pick_folder()),
        Dialog::ExportRun => {
            let ask = ask.set_title("Export the network").set_file_name("network.onnx");
            let ask = ask.add_filter("ONNX, the whole network", &["onnx"]);
            path_of(ask.add_filter("safetensors, weights for PyTorch", &["safetensors"]).save_file())
        }
        Dialog::ExportData(order) => {
            let form = order.request.form;
            let ask = ask.set_title("Export the images").set_file_name(form.file_name());
            path_of(ask.add_filter(form.label(), form.endings()).save_file())
        }
        Dialog::PickDetector => {
            path_of(ask.set_title("Choose a YuNet face detector").add_filter("ONNX", &["onnx"]).pick_file())
        }
        Dialog::PickLandmarks => {
            path_of(ask.set_title("Choose a list of points").add_filter("Lists", &LIST_ENDINGS).pick_file())
        }
        Dialog::SavePicture => {
            let ask = ask.set_title("Save a picture of the DET curves").set_file_name("det.svg");
            let ask = ask.add_filter("SVG, a picture", &["svg"]);
            path_of(ask.add_filter("CSV, a table of the points", &["csv"]).save_file())
        }
        Dialog::PickImage(_) => {
            path_of(ask.set_title("Choose an image").add_filter("Images", &IMAGE_ENDINGS).pick_file())
        }
    }
}

fn path_of(future: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static) -> Chosen {
    Box::pin(async move { future.await.map(|file| file.path().to_path_buf()) })
}

fn clipboard_picture() -> Action {
    let picture = arboard::Clipboard::new().and_then(|mut clipboard| clipboard.get_image());
    let Ok(picture) = picture else {
        return say("There is no picture on the clipboard; copy one, or drop image files on the window");
    };
    let (Ok(width), Ok(height)) = (u32::try_from(picture.width), u32::try_from(picture.height)) else {
        return say("The picture on the clipboard is too large");
    };
    Action::VerifyImages(vec![ImageSource::Pixels { width, height, rgba: picture.bytes.into() }])
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread. A dialog is the only future in the program; a runtime would be out of proportion.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_wakes_from_another_thread_is_waited_for() {
        let (send, receive) = sync_channel::<Waker>(1);
        let waking = move || receive.recv().unwrap().wake();
        let waker_thread = std::thread::Builder::new().name("waker".to_owned()).spawn(waking).unwrap();
        let mut asked = false;
        let value = block_on(std::future::poll_fn(|context| {
            if asked {
                return Poll::Ready(7);
            }
            asked = true;
            send.send(context.waker().clone()).unwrap();
            Poll::Pending
        }));
        waker_thread.join().unwrap();
        assert_eq!(value, 7);
    }

    #[test]
    fn only_one_question_is_asked_at_a_time_and_its_answer_arrives_once() {
        let mut dialogs = Dialogs::default();
        let (go, wait) = sync_channel::<()>(1);
        let first = move || {
            wait.recv().ok();
            News::Answer(Some(Action::Undo))
        };
        assert_eq!(dialogs.spawn(Arc::new(|| ()), first), None);
        let refused = dialogs.spawn(Arc::new(|| ()), || News::Answer(Some(Action::Redo)));
        assert!(matches!(refused, Some(Action::Say(Severity::Warning, _))), "{refused:?}");
        go.send(()).unwrap();
        let answer = loop {
            if let Some(answer) = dialogs.poll() {
                break answer;
            }
            std::thread::yield_now();
        };
        assert_eq!((answer, dialogs.poll()), (Action::Undo, None));
    }

    #[test]
    fn the_window_does_not_wait_until_it_is_known_where_a_dialog_begins() {
        let mut dialogs = Dialogs::default();
        let (go, wait) = sync_channel::<()>(1);
        let find = move || {
            wait.recv().ok();
            Some(PathBuf::from("found"))
        };
        // If this waited for the folder, the test would never end.
        assert_eq!(dialogs.prepare(Dialog::SavePicture, find, Arc::new(|| ())), None);
        assert_eq!(dialogs.poll(), None);
        let refused = dialogs.ask(Dialog::OpenFolder, Start::Anywhere, Arc::new(|| ()));
        assert!(matches!(refused, Some(Action::Say(Severity::Warning, _))), "{refused:?}");
        go.send(()).unwrap();
        let news = dialogs.open.take().unwrap().recv().unwrap();
        let News::Ready { dialog, folder, .. } = news else { panic!("there is no answer yet") };
        assert_eq!((dialog, folder), (Dialog::SavePicture, Some(PathBuf::from("found"))));
    }

    #[test]
    fn a_dialog_begins_in_a_folder_that_is_there_and_an_export_beside_its_images() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("sets/faces");
        crate::data::testing::draw_classes(&data, 2, 2);
        std::fs::create_dir(folder.path().join("sets/other")).unwrap();
        let catalog = Arc::new(Catalog::open(&data, &|_| {}, &|| false).unwrap());
        assert_eq!(Start::Beside(catalog).folder(), Some(folder.path().join("sets")));
        assert_eq!(Start::In(data.clone()).folder(), Some(data.clone()));
        assert_eq!(Start::In(data.join("gone")).folder(), None);
        let state = State::new(data.clone());
        assert!(matches!(Start::of(&state, &Dialog::SavePicture), Start::In(root) if root == data));
        assert!(matches!(Start::of(&state, &Dialog::OpenFolder), Start::Anywhere));
    }
}
