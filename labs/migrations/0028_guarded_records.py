"""Records of teaching and of operators are guarded as the ledger is, and no guarded table can be truncated."""

import django.db.models.deletion
from django.db import migrations, models

from community.api import append_only, kept_record


class Migration(migrations.Migration):

    dependencies = [
        ('labs', '0027_exam_egress'),
    ]

    operations = [
        migrations.AlterField(
            model_name='teachingevent',
            name='session',
            field=models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='teaching_events', to='labs.labsession'),
        ),
        append_only('labs_usageentry', 'labs_ratecard', 'labs_statement', 'labs_statementline'),
        kept_record('labs_operatoract', words=('id', 'operator_name', 'verb', 'target', 'words', 'at'), forgets='operator_id'),
        kept_record(
            'labs_teachingevent', words=('id', 'session_id', 'deed', 'detail', 'at'), forgets='actor_id',
            owner='labs_labsession', key='session_id',
        ),
    ]
